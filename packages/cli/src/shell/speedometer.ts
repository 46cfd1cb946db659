/** Looks that the speed is taken from: the last ones. */
const LOOKS = 15;

/** How fast something gets on that is looked at now and then. */
export class Speedometer {
  readonly #looks: { readonly position: number; readonly at: number }[] = [];

  /** Where it is, at a moment in milliseconds. What goes back begins anew. */
  look(position: number, at: number): void {
    const last = this.#looks.at(-1);
    if (last !== undefined && position < last.position) this.#looks.length = 0;
    this.#looks.push({ position, at });
    if (this.#looks.length > LOOKS) this.#looks.shift();
  }

  /** A second; undefined until it was looked at twice. */
  get rate(): number | undefined {
    const [first] = this.#looks;
    const last = this.#looks.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return undefined;
    return ((last.position - first.position) / (last.at - first.at)) * 1_000;
  }
}
