/** Handlers that do what handlers do, run by all three kinds of local functions. As plain JavaScript, as Lambda gets it. */

let calls = 0;

/** Runs the one that the event names, with the event that it has for it. */
export const any = (event, context) => handlers[event.run](event.event, context);

export const echo = async (event, context) => ({
  event,
  calls: ++calls,
  pid: process.pid,
  context: {
    awsRequestId: context.awsRequestId,
    functionName: context.functionName,
    functionVersion: context.functionVersion,
    invokedFunctionArn: context.invokedFunctionArn,
    memoryLimitInMB: context.memoryLimitInMB,
    logGroupName: context.logGroupName,
    logStreamName: context.logStreamName,
    callbackWaitsForEmptyEventLoop: context.callbackWaitsForEmptyEventLoop,
    remainingMs: context.getRemainingTimeInMillis(),
  },
});

export const nothing = async () => undefined;

export const notAsync = () => ({ batchItemFailures: [{ itemIdentifier: "1" }] });

export const batch = async (event) => ({
  batchItemFailures: [{ itemIdentifier: event.Records[1].dynamodb.SequenceNumber }],
});

export const throws = async () => {
  throw new RangeError("out of range");
};

export const throwsAtOnce = () => {
  throw new TypeError("at once");
};

export const throwsText = async () => {
  // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error
  throw "just text";
};

export const throwsNothing = () => Promise.reject();

export const notJson = async () => ({ count: 1n });

export const tooLarge = async (event) => "x".repeat(event.bytes - 2);

export const never = () => new Promise(() => setInterval(() => undefined, 1_000));

/** Says that it is there, and keeps the process busy so that it can't listen to anything. */
export const blocks = async (event) => {
  const { writeFileSync } = await import("node:fs");
  writeFileSync(event.file, String(process.pid));
  for (;;);
};

/** Says that it is there, and waits. */
export const waits = async (event) => {
  const { writeFileSync } = await import("node:fs");
  writeFileSync(event.file, String(process.pid));
  await new Promise(() => setInterval(() => undefined, 1_000));
};

export const exits = async (event) => process.exit(event.code);

export const throwsLater = () =>
  new Promise(() => {
    setTimeout(() => {
      throw new RangeError("later");
    });
  });

export const rejectsUnseen = () =>
  new Promise(() => {
    void Promise.reject(new Error("unseen"));
  });

export const fillsMemory = async () => {
  const kept = [];
  for (;;) kept.push("0.5 ".repeat(1_000_000).split(" "));
};

export const logs = async () => {
  console.log("a line to read");
};

/** Meets as many invocations as the event says before it returns, by files in a folder. */
export const meets = async (event) => {
  const { readdirSync, writeFileSync } = await import("node:fs");
  writeFileSync(`${event.folder}/${process.pid}`, "");
  while (readdirSync(event.folder).length < event.count) await new Promise((go) => setTimeout(go, 5));
  return process.pid;
};

const handlers = {
  echo,
  nothing,
  notAsync,
  batch,
  throws,
  throwsAtOnce,
  throwsText,
  throwsNothing,
  notJson,
  tooLarge,
  never,
  blocks,
  waits,
  exits,
  throwsLater,
  rejectsUnseen,
  fillsMemory,
  logs,
  meets,
};
