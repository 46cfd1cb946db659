import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findJava, javaMajorVersion } from "../src/java.ts";

describe("javaMajorVersion", () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17],
    ['Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21" 2023-09-19', 21],
    ['openjdk version "26-ea" 2026-03-17', 26],
    ['java version "1.8.0_292"', 8],
    ["The operation couldn’t be completed. Unable to locate a Java Runtime.", undefined],
  ])("%j is %s", (text, version) => {
    expect(javaMajorVersion(text)).toBe(version);
  });
});

describe("findJava", () => {
  it("does not take a Java that is too old", async () => {
    const home = await mkdtemp(join(tmpdir(), "tuppence-local-"));
    const java = join(home, "bin", "java");
    await mkdir(join(home, "bin"));
    await writeFile(java, `#!${process.execPath}\nconsole.error('openjdk version "11.0.2"');\n`);
    await chmod(java, 0o755);
    expect(await findJava({ JAVA_HOME: home, PATH: home })).toBe(
      `${java} is Java 11; there is no java on the PATH`,
    );
    await rm(home, { recursive: true });
  });
});
