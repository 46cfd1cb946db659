import { createMemoryEventStore } from "@tuppence/core/memory";
import { expect, it, vi } from "vitest";

it("the log is read, followed and waited for", async () => {
  const store = createMemoryEventStore();
  await store.append("permit|case-0", [{ type: "PermitAsked", data: {} }]);
  const granted = { type: "PermitGranted", data: {} };
  const shown = vi.spyOn(console, "log").mockReturnValue();
  //#region read
  for await (const event of store.readAll({ fromPosition: 1 })) {
    console.log(event.position, event.streamId, event.type);
  }
  //#endregion read
  expect(shown.mock.calls).toEqual([[1, "permit|case-0", "PermitAsked"]]);
  shown.mockRestore();
  //#region wait
  const { version } = await store.append("permit|case-1", [granted]);
  await store.waitFor("permit|case-1", version); // resolves when it is in the log, with its position
  //#endregion wait
  const handled: string[] = [];
  let checkpoint = 0;
  const handle = async (events: readonly { readonly streamId: string }[]): Promise<void> => {
    handled.push(...events.map(({ streamId }) => streamId));
  };
  const saveCheckpoint = async (position: number): Promise<void> => {
    checkpoint = position;
    if (position === 2) throw new Error("enough");
  };
  const following = async (): Promise<void> => {
    //#region follow
    for await (const { events, position } of store.subscribeAll({ fromPosition: checkpoint + 1 })) {
      await handle(events); // what is there first, then what comes
      await saveCheckpoint(position);
    }
    //#endregion follow
  };
  await expect(following()).rejects.toThrow("enough");
  expect(handled).toEqual(["permit|case-0", "permit|case-1"]);
});
