/** Form of an organisation's id: it becomes part of a schema name, of workflow ids and of object keys. */
export const orgIdForm = /^[A-Za-z0-9_]{1,36}$/;
