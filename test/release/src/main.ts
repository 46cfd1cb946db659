import { checkRelease } from "./check-release.ts";
import { publishRelease } from "./publish-release.ts";
import { printNotes, versionRelease } from "./version-release.ts";

const [command, ...flags] = process.argv.slice(2);

try {
  switch (command) {
    case "check":
      await checkRelease();
      break;
    case "version":
      await versionRelease(new Date());
      break;
    case "notes":
      await printNotes();
      break;
    case "publish":
      await publishRelease(flags);
      break;
    default:
      throw new TypeError(`${command} is no command; there are check, version, notes and publish.`);
  }
} catch (error) {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    console.error(`release: ${cause.message}`);
  }
  process.exitCode = 1;
}
