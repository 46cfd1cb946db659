import { expect, it } from "vitest";
import { call, createMemoryScheduleStorage, createScheduler } from "../src/index.ts";

it("fires as the README says", async () => {
  const { scheduler, worker } = await import("./readme-fires.ts");
  await worker.stop();
  expect(await scheduler.get("report")).toMatchObject({ state: "pending", target: "remind" });
  expect(await scheduler.get("deadline|P-17")).toMatchObject({ state: "cancelled" });
});

it("fires by a clock of one's own as the README says", async () => {
  //#region fire-due
  const clock = { now: Date.parse("2027-02-27T12:00:00Z") };
  const sent: unknown[] = [];
  const scheduler = createScheduler({
    storage: createMemoryScheduleStorage(), // or a client of DynamoDB Local
    targets: { remind: call(({ payload }) => void sent.push(payload)) },
    runtime: { now: () => clock.now },
  });

  await scheduler.schedule({ name: "trial", in: "14d", target: "remind", payload: "ada" });
  clock.now += 14 * 24 * 3_600_000;
  await scheduler.fireDue(); // 1: what is due by the clock, and what follows it
  expect(sent).toEqual(["ada"]);
  //#endregion
  expect(await scheduler.get("trial")).toMatchObject({ state: "fired" });
});
