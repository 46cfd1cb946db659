import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryEventStore } from "@tuppence/core/memory";
import {
  createMemoryProjectionStorage,
  createProjections,
  createProjectionWorker,
} from "@tuppence/projections";
import Database from "libsql";
import { defineLentBooks, readersOf } from "./lent-books.ts";
import { libraryEvents } from "./library-events.ts";
import { loadPosition } from "./positions.ts";

const folder = await mkdtemp(join(tmpdir(), "read-model-"));
const file = join(folder, "library.db");
const db = new Database(file);
const store = createMemoryEventStore({ events: libraryEvents });
const storage = createMemoryProjectionStorage(); // leases; positions are in the file
const lentBooks = defineLentBooks(db);
const projections = createProjections({ store, storage });
const worker = createProjectionWorker({ store, storage, projections: [lentBooks], pollIntervalMs: 20 });
worker.start();

for (const [title, ...readers] of [
  ["Emma", "Ada", "Grace"],
  ["Walden", "Ada"],
  ["Ulysses", "Ada", "Edsger"],
]) {
  const book = `book|${title}`;
  await store.append(book, [{ type: "BookAcquired", data: { title: String(title) } }]);
  for (const reader of readers) {
    await store.append(book, [{ type: "BookLent", data: { reader } }]);
    if (reader === readers.at(-1)) continue;
    await store.append(book, [{ type: "BookReturned", data: { reader } }]);
  }
}
const last = await store.append("book|Walden", [{ type: "BookReturned", data: { reader: "Ada" } }]);
await projections.waitFor(lentBooks, last);
await worker.stop();
db.close();

// Whoever opens the file finds readers and position as one transaction left them.
const reopened = new Database(file);
console.log(`At position ${loadPosition(reopened, { name: lentBooks.name, build: 1, slot: 0 })}`);
for (const { reader, books, everLent } of readersOf(reopened, 1)) {
  console.log(`  ${reader.padEnd(8)}${books} at home, ${everLent} ever`);
}
reopened.close();
await rm(folder, { recursive: true });
