import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface WorkerProgram {
  readonly file: URL;
  /** What it is told, with its name as `workerId`, as JSON in its only argument. */
  readonly options: object;
}

/** A worker in a process of its own. */
export class WorkerProcess {
  readonly name: string;
  /** What it said happened. */
  readonly lines: string[] = [];
  /** Standard error. */
  readonly errors: string[] = [];
  readonly #child: ChildProcess;
  /** It has heard of SIGTERM, or is gone. */
  readonly #began: Promise<unknown>;

  constructor(name: string, { file, options }: WorkerProgram) {
    this.name = name;
    const args = [fileURLToPath(file), JSON.stringify({ ...options, workerId: name })];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    const output = createInterface({ input: child.stdout });
    output.on("line", (line) => this.lines.push(line));
    this.#began = Promise.race([once(output, "line"), once(child, "exit")]);
    createInterface({ input: child.stderr }).on("line", (line) => this.errors.push(line));
  }

  get isGone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** In the middle of whatever it does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Lets it begin, if it has not yet, and finish; answers its exit code. */
  async stop(): Promise<number | null> {
    await this.#began;
    await this.#end("SIGTERM");
    return this.#child.exitCode;
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (this.isGone) return;
    const gone = once(this.#child, "exit");
    this.#child.kill(signal);
    await gone;
  }
}

/** Some workers that share the same work, and a blow for one of them now and then. */
export class WorkerCrew {
  readonly all: WorkerProcess[] = [];
  readonly #program: WorkerProgram;
  readonly #running: Set<WorkerProcess>;
  #frozen: WorkerProcess | undefined;

  constructor(size: number, program: WorkerProgram) {
    this.#program = program;
    this.#running = new Set(Array.from({ length: size }, () => this.#start()));
  }

  /** Hits one: kills it, and another takes its place, or lets it sleep until `thaw`. */
  async hit(worker: WorkerProcess, blow: "kill" | "freeze"): Promise<void> {
    if (blow === "freeze" && this.#frozen === undefined) {
      this.#frozen = worker;
      return worker.freeze();
    }
    this.#running.delete(worker);
    await worker.kill();
    this.#running.add(this.#start());
  }

  /** The one that sleeps. */
  get frozen(): WorkerProcess | undefined {
    return this.#frozen;
  }

  /** The sleeper goes on as if nothing had been. */
  thaw(): void {
    this.#frozen?.thaw();
    this.#frozen = undefined;
  }

  /** Those that run and are awake. */
  get awake(): readonly WorkerProcess[] {
    return [...this.#running].filter((each) => each !== this.#frozen);
  }

  /** Stops all that run, and answers their exit codes. */
  stop(): Promise<(number | null)[]> {
    this.thaw();
    return Promise.all(Array.from(this.#running, (each) => each.stop()));
  }

  async kill(): Promise<void> {
    await Promise.all(this.all.map((each) => each.kill()));
  }

  #start(): WorkerProcess {
    const started = new WorkerProcess(`worker${this.all.length + 1}`, this.#program);
    this.all.push(started);
    return started;
  }
}
