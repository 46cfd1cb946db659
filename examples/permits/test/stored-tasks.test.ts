import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { LoggedTask } from "../src/receipt-log.ts";
import { StoredTasks } from "../src/stored-tasks.ts";
import { plain, taskAt } from "./office.ts";

const tasks = [0, 1, 2, 3].map(
  (minute): LoggedTask => ({
    streamId: "permit|a",
    command: plain("checkConfirmation")(taskAt(minute)),
    department: "General",
  }),
);
const [, second, third, fourth] = tasks as [LoggedTask, LoggedTask, LoggedTask, LoggedTask];

describe("tasks that are followed as they are stored", () => {
  it("come in their order, each once it is stored", async () => {
    const stored = new StoredTasks([second, third, fourth]);
    const seen: LoggedTask[] = [];
    const following = (async () => {
      for await (const task of stored.inOrder(tasks, new AbortController().signal)) seen.push(task);
    })();
    stored.add(third);
    await setImmediate();
    expect(seen).toEqual(tasks.slice(0, 1));
    stored.add(second);
    await setImmediate();
    expect(seen).toEqual(tasks.slice(0, 3));
    stored.add(fourth);
    await following;
    expect(seen).toEqual(tasks);
  });

  it("are not waited for any longer than the signal says", async () => {
    const ending = new AbortController();
    const following = new StoredTasks(tasks).inOrder(tasks, ending.signal).next();
    ending.abort(new Error("enough"));
    await expect(following).rejects.toThrow("enough");
  });
});
