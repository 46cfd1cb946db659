import type { ReceivedWakeUp, Relay, WakeUp } from "../src/relay/relay.ts";
import type { Mortal, Timeline } from "./timeline.ts";

/** What SQS may do to messages; all of it is within its rules, but for losing them. */
export interface SqsFaults {
  /** How much later than it could a message is received at most, in milliseconds. */
  readonly maxLateMs: number;
  readonly duplicates: number;
  readonly losses: number;
  /** Of requests, before or after they are carried out. */
  readonly failures: number;
}

/**
 * A standard queue of SQS by its rules: delays of up to 900 seconds, messages that are invisible for a time once they are received, and are
 * received again unless they are deleted; now and then one is received twice. Those who receive are functions of Lambda's.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
 */
export class SqsModel {
  readonly #time: Timeline;
  readonly #faults: SqsFaults;
  readonly #receive: (received: ReceivedWakeUp) => Promise<"done" | "comes again">;
  readonly #messages = new Map<number, Message>();
  #last = 0;
  sent = 0;
  held = 0;

  constructor(
    time: Timeline,
    faults: SqsFaults,
    receive: (received: ReceivedWakeUp) => Promise<"done" | "comes again">,
  ) {
    this.#time = time;
    this.#faults = faults;
    this.#receive = receive;
  }

  /** The queue as a process sees it. */
  relayOf(whose: Mortal, leadMs: number): Relay {
    return {
      leadMs,
      send: async (wakeUps) => {
        await this.#request(whose, () => {
          for (const { wakeUp, delaySeconds } of wakeUps) this.#send(wakeUp, delaySeconds);
        });
      },
      hold: async (receipt, seconds) => {
        await this.#request(whose, () => this.#hold(receipt, seconds));
      },
    };
  }

  async #request(whose: Mortal, carryOut: () => void): Promise<void> {
    const { random, upTo } = {
      random: () => this.#time.random(),
      upTo: (below: number) => this.#time.upTo(below),
    };
    await this.#time.wait(upTo(50), whose);
    const fate = random() / this.#faults.failures;
    if (fate < 0.5) throw new Error("SQS does not answer.");
    carryOut();
    await this.#time.wait(upTo(50), whose);
    if (fate < 1) throw new Error("The answer was lost.");
  }

  #send(wakeUp: WakeUp, delaySeconds: number): void {
    if (!(Number.isInteger(delaySeconds) && delaySeconds >= 0 && delaySeconds <= 900)) {
      throw new Error(`Value ${delaySeconds} for parameter DelaySeconds is invalid.`);
    }
    this.sent += 1;
    if (this.#time.random() < this.#faults.losses) return;
    const message = { id: ++this.#last, wakeUp, receives: 0, firstReceivedAt: 0, visibleAt: 0, receipt: "" };
    this.#messages.set(message.id, message);
    this.#showAt(message, this.#time.now + delaySeconds * 1_000);
  }

  #hold(receipt: string, seconds: number): void {
    const message = [...this.#messages.values()].find((each) => each.receipt === receipt);
    if (message === undefined || message.visibleAt <= this.#time.now) {
      throw new Error("The message is not available for a change of its visibility.");
    }
    const visibleAt = this.#time.now + seconds * 1_000;
    if (!Number.isInteger(seconds) || seconds < 0 || visibleAt > message.firstReceivedAt + 43_200_000) {
      throw new Error("The total of a message's invisibility is 12 hours at most.");
    }
    this.held += 1;
    this.#showAt(message, visibleAt);
  }

  #showAt(message: Message, visibleAt: number): void {
    message.visibleAt = visibleAt;
    const lateMs = this.#time.upTo(this.#faults.maxLateMs + 1);
    this.#time.at(visibleAt + lateMs, undefined, () => {
      // It was held since, or deleted.
      if (message.visibleAt !== visibleAt || !this.#messages.has(message.id)) return;
      void this.#deliver(message);
      if (this.#time.random() < this.#faults.duplicates) void this.#deliver(message);
    });
  }

  async #deliver(message: Message): Promise<void> {
    const { now } = this.#time;
    message.receives += 1;
    message.firstReceivedAt ||= now;
    message.receipt = `${message.id}/${message.receives}`;
    this.#showAt(message, now + VISIBILITY_MS);
    const { wakeUp, receipt, receives } = message;
    const outcome = await this.#receive({ wakeUp, receipt, receives });
    if (outcome === "done") this.#messages.delete(message.id);
  }
}

/** How long a message is invisible once it was received, unless it is held. */
const VISIBILITY_MS = 180_000;

interface Message {
  readonly id: number;
  readonly wakeUp: WakeUp;
  receives: number;
  firstReceivedAt: number;
  visibleAt: number;
  receipt: string;
}
