export const rooms: readonly { name: string; holds: string; only?: readonly string[] }[];
export function forbiddenFor(name: string): string[];
export function sourceFiles(): string[];
export function importsBetweenRooms(): Map<string, Set<string>>;
export function withRooms(text: string): string;
export const page: string;
