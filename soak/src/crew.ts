import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Journal } from "./journal.ts";
import { type Alarm, ALARMS_JOURNAL, type ProcessInput, type Role } from "./processes/process-input.ts";

const PROGRAM = fileURLToPath(new URL("../dist/processes/run-process.js", import.meta.url));

/** How long one that is told to stop has, in milliseconds. */
const STOP_MS = 60_000;

/** A place in the crew, which one process after the other takes. */
interface Member {
  readonly role: Role;
  readonly name: string;
  child: ChildProcess;
  /** It has heard of SIGTERM, or is gone. */
  begun: Promise<unknown>;
  frozen: NodeJS.Timeout | undefined;
  isWanted: boolean;
}

/** What all processes are told, and how many there are of each role. */
type CrewSettings = Omit<ProcessInput, "role" | "name"> & { readonly sizes: Readonly<Record<Role, number>> };

/** The processes of a run. One that is killed, or ends by itself, is followed by another one of its name. */
export class Crew implements AsyncDisposable {
  #settings: CrewSettings;
  readonly #members: Member[] = [];
  readonly #alarms: Journal<Alarm>;
  #areAllStanding = false;
  /** How many were started. */
  started = 0;

  constructor(settings: CrewSettings) {
    this.#settings = settings;
    this.#alarms = new Journal(settings.place.folder, ALARMS_JOURNAL);
    process.once("exit", this.#killAll);
    for (const [role, size] of Object.entries(settings.sizes) as [Role, number][]) {
      for (let index = 0; index < size; index++) this.#add(role, `${role}-${index}`);
    }
  }

  /** Resolves when all run. */
  async begun(): Promise<void> {
    await Promise.all(this.#members.map(({ begun }) => begun));
  }

  /** Kills one, frozen or not; another one takes its place. */
  async kill(name: string): Promise<void> {
    const member = this.#member(name);
    member.isWanted = false;
    await end(member, "SIGKILL");
    this.#start(member);
  }

  /** Puts the clocks of those ahead who fire: what those had claimed who were killed is theirs at once. */
  async putAhead(aheadMs: number): Promise<void> {
    this.#settings = { ...this.#settings, aheadMs };
    const firing = this.#members.filter(({ role }) => role === "firing");
    await Promise.all(firing.map(({ name }) => this.kill(name)));
  }

  /** Lets one sleep for a while; it goes on as if nothing had been. Of one that sleeps already, nothing. */
  freeze(name: string, ms: number): void {
    const member = this.#member(name);
    if (member.frozen !== undefined) return;
    const { child } = member;
    child.kill("SIGSTOP");
    member.frozen = setTimeout(() => {
      member.frozen = undefined;
      if (!this.#areAllStanding) child.kill("SIGCONT");
    }, ms);
  }

  /** Does something while none of them does anything: who would wake up meanwhile does so afterwards, and who sleeps longer goes on sleeping. */
  async whileAllStand(work: () => Promise<void>): Promise<void> {
    this.#areAllStanding = true;
    for (const { child } of this.#members) child.kill("SIGSTOP");
    try {
      await work();
    } finally {
      this.#areAllStanding = false;
      for (const { child, frozen } of this.#members) if (frozen === undefined) child.kill("SIGCONT");
    }
  }

  /** Lets all of some roles end what is under way. Answers how those ended who did not end well. */
  async stop(roles: readonly Role[]): Promise<readonly string[]> {
    const stopped = this.#members
      .filter(({ role }) => roles.includes(role))
      .map(async (member) => {
        member.isWanted = false;
        await member.begun;
        const timer = setTimeout(() => member.child.kill("SIGKILL"), STOP_MS);
        await end(member, "SIGTERM");
        clearTimeout(timer);
        const { exitCode, signalCode } = member.child;
        return exitCode === 0 ? [] : [`${member.name} ended with ${exitCode ?? signalCode}`];
      });
    return (await Promise.all(stopped)).flat();
  }

  /** One that sleeps would not see that we have gone. */
  readonly #killAll = (): void => {
    for (const { child } of this.#members) child.kill("SIGKILL");
  };

  async [Symbol.asyncDispose](): Promise<void> {
    process.removeListener("exit", this.#killAll);
    for (const member of this.#members) member.isWanted = false;
    await Promise.all(this.#members.map((member) => end(member, "SIGKILL")));
  }

  #member(name: string): Member {
    const member = this.#members.find((each) => each.name === name);
    if (member === undefined) throw new TypeError(`There is no process ${JSON.stringify(name)}.`);
    return member;
  }

  #add(role: Role, name: string): void {
    const member = { role, name, ...this.#spawn(role, name), frozen: undefined, isWanted: true };
    this.#members.push(member);
    this.#watch(member);
  }

  #start(member: Member): void {
    Object.assign(member, this.#spawn(member.role, member.name), { isWanted: true });
    this.#watch(member);
  }

  #spawn(role: Role, name: string): Pick<Member, "child" | "begun"> {
    const { sizes: _, ...settings } = this.#settings;
    const errors = openSync(join(settings.place.folder, `${name}.errors`), "a");
    const input: ProcessInput = { ...settings, role, name };
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(input)], {
      stdio: ["pipe", "pipe", errors],
    });
    closeSync(errors);
    this.started++;
    const { stdout } = child;
    return { child, begun: Promise.race([once(stdout ?? child, "data"), once(child, "exit")]) };
  }

  /** Nobody but us has one end. */
  #watch(member: Member): void {
    const { child, name } = member;
    child.once("exit", (code, signal) => {
      if (member.child !== child || !member.isWanted) return;
      this.#alarms.write({ by: name, what: `ended by itself with ${code ?? signal}` });
      this.#start(member);
    });
  }
}

async function end(member: Member, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  const { child } = member;
  clearTimeout(member.frozen);
  member.frozen = undefined;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  // One that sleeps hears of anything else than its death when it wakes up.
  child.kill("SIGCONT");
  await gone;
}
