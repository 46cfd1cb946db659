/** What the adapter throws where the version of a stream is not the expected one. */
class ConcurrencyError extends Error {
  constructor(streamKey, expectedSequence, actualSequence) {
    super(`${streamKey} is at ${actualSequence}, not at ${expectedSequence}.`);
    this.name = "ConcurrencyError";
  }
}

exports.ConcurrencyError = ConcurrencyError;
