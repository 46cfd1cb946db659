import { describe, it } from "vitest";
import { runHere } from "../../../packages/cli/test/cli-process.ts";
import { capturePrinted, expectAllShown, expectShown } from "../shown.ts";

describe("the tutorial's programs print what its pages show", () => {
  it("first events", async () => {
    const printed = capturePrinted();
    await import("./first-events.ts");
    await expectAllShown("tutorial/1-first-events.md", printed, { append: 1, read: 3, conflict: 1 });
  });

  it("decisions", async () => {
    const printed = capturePrinted();
    await import("./register.ts");
    await expectAllShown("tutorial/2-decisions.md", printed, { race: 3, again: 2 });
  });

  it("a read model", async () => {
    const printed = capturePrinted();
    await import("./read-model.ts");
    await expectAllShown("tutorial/3-a-read-model.md", printed, { log: 2, read: 1 });
  });

  it("functions", async () => {
    const printed = capturePrinted();
    await import("./local-lambda.ts");
    await expectAllShown("tutorial/4-in-lambda.md", printed, { run: 1 });
  });

  it("what it costs", async () => {
    const { stdout } = await runHere(["cost", "--events-per-day", "1000"]);
    const [first = ""] = stdout.split("\n\n");
    await expectShown("tutorial/5-deploy.md", "cost", first.split("\n"));
  });
});
