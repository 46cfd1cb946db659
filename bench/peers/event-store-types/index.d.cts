/** The types that the adapter's own declarations refer to. */
export interface CreatedEvent<Payload, META = undefined> {
  readonly id: string;
  readonly domain: string;
  readonly type: string;
  readonly payload: Payload;
  readonly meta?: META;
  readonly identifier?: string;
  readonly created: Date;
}

export interface StoreEventsOptions {
  readonly expectedSequence?: number;
}

export interface IEventStoreRepoCapabilities {
  readonly aggregate: boolean;
}

export type IEventStoreRepo = object;
export type IEventStoreEntity<_Payload, _Meta> = object;

export class ConcurrencyError extends Error {}
