// Rows by entity and id. A row replaces an older version of itself only; listeners hear of changes once per frame.
export class Store {
  #tables = new Map();
  #listeners = new Map();
  #dirty = new Set();
  #loaded = new Set();
  #sequence = 0;

  #table(entity) {
    if (!this.#tables.has(entity)) this.#tables.set(entity, new Map());
    return this.#tables.get(entity);
  }

  /** Take before asking for a snapshot: rows pushed after it outlive a snapshot that doesn't know them yet. */
  mark() {
    return this.#sequence;
  }

  apply(entity, row) {
    const table = this.#table(entity);
    const known = table.get(row.id);
    // Equal versions pass: heartbeats move without one.
    if (known && (row.version ?? 0) < (known.row.version ?? 0)) return false;
    this.#sequence += 1;
    table.set(row.id, { row, sequence: this.#sequence });
    this.#notify(entity);
    return true;
  }

  /** Rows of a snapshot taken at `mark`; what is `inScope`, older than the mark and not in the snapshot is gone. */
  replace(entity, rows, { mark, inScope = () => true }) {
    const table = this.#table(entity);
    const present = new Set(rows.map((row) => row.id));
    for (const [id, { row, sequence }] of table) {
      if (!present.has(id) && sequence <= mark && inScope(row)) table.delete(id);
    }
    for (const row of rows) this.apply(entity, row);
    this.#loaded.add(entity);
    this.#notify(entity);
  }

  remove(entity, id) {
    if (this.#table(entity).delete(id)) this.#notify(entity);
  }

  get(entity, id) {
    return this.#table(entity).get(id)?.row;
  }

  all(entity) {
    return Array.from(this.#table(entity).values(), ({ row }) => row);
  }

  /** Whether a snapshot has come: none yet and none at all are shown differently. */
  has(entity) {
    return this.#loaded.has(entity);
  }

  on(entities, listener) {
    for (const entity of [entities].flat()) {
      if (!this.#listeners.has(entity)) this.#listeners.set(entity, new Set());
      this.#listeners.get(entity).add(listener);
    }
  }

  #notify(entity) {
    if (this.#dirty.size === 0) requestAnimationFrame(() => this.#flush());
    this.#dirty.add(entity);
  }

  touch(entity) {
    this.#notify(entity);
  }

  #flush() {
    const due = new Set();
    for (const entity of this.#dirty) for (const listener of this.#listeners.get(entity) ?? []) due.add(listener);
    this.#dirty.clear();
    for (const listener of due) listener();
  }
}
