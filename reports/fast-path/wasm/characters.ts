/** Characters with a meaning in reports. */

export const space: i32 = 0x20;
export const plus: i32 = 0x2b;
export const comma: i32 = 0x2c;
export const newline: i32 = 0x0a;
export const minus: i32 = 0x2d;
export const point: i32 = 0x2e;
export const zero: i32 = 0x30;
/** Converts a letter to lower case, and leaves all other characters of the words for "absent" unchanged. */
export const smallLetter: i32 = 0x20;
