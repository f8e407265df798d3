/** Values of one statement. Nothing that came with a request reaches SQL in another way. */
export class Parameters {
  readonly values: unknown[] = [];

  /** Bind a value; what to write where it is used. */
  add(value: unknown, type: 'text' | 'text[]' | 'date' | 'integer' | 'numeric[]' | 'uuid[]'): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }
}
