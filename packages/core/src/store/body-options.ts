/** How a store treats what events hold. */
export interface BodyOptions {
  /**
   * What reads do with an event whose type, or whose schema version, is not among the definitions: an older release
   * reads what a newer one wrote, or a type is gone from the code. `"error"` (default): the read fails with
   * `UnknownEventTypeError`. `"raw"`: the event comes as it is stored. It is outside the union of event types then,
   * so `evolve` needs a default; one with a newer schema version even has a type of the union with data of
   * another shape. Without definitions every event comes as it is stored.
   */
  readonly unknownEvents?: "error" | "raw" | undefined;
}
