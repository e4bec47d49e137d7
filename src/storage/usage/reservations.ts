import { ArgumentError } from '../../errors/index.ts';
import { QuotaExceededError } from '../errors.ts';
import type { CountedFile, Totals } from './usage-tally.ts';

/** How much one owner may store. */
export interface OwnerQuota {
  /** All files together, as they were given, in bytes. @default no limit */
  readonly maxBytes?: number | undefined;
  /** @default no limit */
  readonly maxFiles?: number | undefined;
}

/**
 * Refuses a quota that would limit nothing without saying so.
 *
 * @throws {ArgumentError} that names the limit that is none.
 */
export function requireQuota(quota: OwnerQuota): OwnerQuota {
  for (const name of ['maxBytes', 'maxFiles'] as const) {
    const limit = quota[name];
    if (limit === undefined || (typeof limit === 'number' && limit >= 0)) continue;
    throw new ArgumentError(`Cannot use quota.${name} ${String(limit)}: expected a number from 0 on`, `quota.${name}`);
  }
  return quota;
}

/** Room that an upload holds until it has ended. */
export interface Reservation {
  /** @throws {QuotaExceededError} when there is no room for so many bytes more. */
  grow(bytes: number): void;
  /**
   * Holds what the upload comes to in the end, in the place of the file that it replaces.
   *
   * @throws {QuotaExceededError} when there is no room for it.
   */
  fit(bytes: number, replaced: CountedFile | undefined): void;
  /** Holds it beyond the end, because nobody knows whether it was stored; to be let go of by what is given back. */
  keep(): () => void;
  /** Gives the room back: the upload is counted now, or has failed. */
  release(): void;
}

/** Room for files and bytes. */
interface Room {
  files: number;
  bytes: number;
}

/** One upload, and the room that it holds. */
interface Holder extends Room {
  /** What it adds when it is stored; known once its content has ended. */
  gain: Room | undefined;
}

/** An upload that is to be. */
export interface PlannedUpload {
  readonly key: string;
  readonly owner: string;
  /** What the owner has there already, as far as is known. */
  readonly standing: { readonly bytes: number } | undefined;
  /** How long it is, as far as is known. */
  readonly bytes: number;
  /** Whether it takes the place of a file under another key, so that it needs no room of its own. */
  readonly isMove: boolean;
}

/** A key that is being written, perhaps by several uploads: one of them will stand there in the end. */
interface Place {
  readonly holders: Set<Holder>;
  /** What uploads have come to that are counted, while others are not counted that may have come before them. */
  ended: Room;
  /** What the sums have of it. */
  counted: Room;
  /** What may come to that. */
  claimed: Room;
}

/** What an owner uploads at the moment. */
interface Uploads extends Room {
  readonly places: Map<string, Place>;
}

/**
 * Room for uploads on their way, by owner: what they may add to the sums. A file that is replaced makes room for the one
 * that comes in its place, and of several uploads under one key only the largest counts.
 */
export class Reservations {
  readonly #usedBy: (owner: string) => Totals;
  readonly #owners = new Map<string, Uploads>();

  constructor(usedBy: (owner: string) => Totals) {
    this.#usedBy = usedBy;
  }

  /** @throws {QuotaExceededError} when there is no room for one more file, or for the bytes that are known already. */
  reserve({ key, owner, standing, bytes, isMove }: PlannedUpload, quota: OwnerQuota): Reservation {
    const uploads = this.#owners.get(owner) ?? { files: 0, bytes: 0, places: new Map<string, Place>() };
    this.#owners.set(owner, uploads);
    const place = uploads.places.get(key) ?? newPlace(standing);
    uploads.places.set(key, place);
    const holder: Holder = { files: isMove ? 0 : 1, bytes: 0, gain: undefined };
    place.holders.add(holder);
    const hold = (newBytes: number): void => {
      const before = holder.bytes;
      holder.bytes = isMove ? 0 : newBytes;
      claim(uploads, place);
      const exceeded = exceededBy(this.#usedBy(owner), uploads, place.claimed, quota);
      if (exceeded === undefined) return;
      holder.bytes = before;
      claim(uploads, place);
      throw exceeded;
    };
    const release = (): void => {
      place.holders.delete(holder);
      if (!hasStored(place)) place.ended = roomOf(undefined);
      claim(uploads, place);
      if (place.holders.size === 0) uploads.places.delete(key);
      this.#forgetIdle(owner, uploads);
    };
    try {
      hold(bytes);
    } catch (error) {
      release();
      throw error;
    }
    return {
      grow: more => hold(holder.bytes + more),
      fit: (allBytes, replaced) => {
        const before = roomOf(replaced?.owner === owner ? replaced : undefined);
        // What another upload has just put there may not be in the sums yet; they are told then what it has changed.
        holder.gain = undefined;
        if (!hasStored(place)) place.counted = { ...before };
        holder.gain = gainOf({ files: 1, bytes: allBytes }, before);
        hold(allBytes);
      },
      keep: () => (holder.gain === undefined ? () => undefined : this.#keep(owner, uploads, holder.gain)),
      release,
    };
  }

  /** To be told of every change of the sums. */
  change(key: string, before: CountedFile | undefined, after: CountedFile | undefined): void {
    for (const [file, sign] of [[before, -1] as const, [after, 1] as const]) {
      const uploads = file?.owner === undefined ? undefined : this.#owners.get(file.owner);
      const place = uploads?.places.get(key);
      if (file === undefined || uploads === undefined || place === undefined) continue;
      place.counted.files += sign;
      place.counted.bytes += sign * file.bytes;
      if (sign > 0) place.ended = largerOf(place.ended, roomOf(file));
      claim(uploads, place);
    }
  }

  #keep(owner: string, uploads: Uploads, { files, bytes }: Room): () => void {
    uploads.files += files;
    uploads.bytes += bytes;
    return () => {
      uploads.files -= files;
      uploads.bytes -= bytes;
      this.#forgetIdle(owner, uploads);
    };
  }

  #forgetIdle(owner: string, uploads: Uploads): void {
    const isIdle = uploads.places.size === 0 && uploads.files === 0 && uploads.bytes === 0;
    if (isIdle && this.#owners.get(owner) === uploads) this.#owners.delete(owner);
  }
}

function newPlace(standing: { readonly bytes: number } | undefined): Place {
  return { holders: new Set(), ended: roomOf(undefined), counted: roomOf(standing), claimed: roomOf(undefined) };
}

/** Whether there are uploads that may be stored already, and are not counted yet. */
function hasStored({ holders }: Place): boolean {
  return [...holders].some(({ gain }) => gain !== undefined);
}

/** Works out anew what the uploads under a key may add to the sums. */
function claim(uploads: Uploads, place: Place): void {
  const { holders, ended, counted, claimed } = place;
  place.claimed = gainOf([...holders].reduce<Room>(largerOf, ended), counted);
  uploads.files += place.claimed.files - claimed.files;
  uploads.bytes += place.claimed.bytes - claimed.bytes;
}

/** What comes to what was there. That others may use what becomes free is only true when it is. */
function gainOf(after: Room, before: Room): Room {
  return {
    files: Math.max(0, after.files - Math.max(0, before.files)),
    bytes: Math.max(0, after.bytes - Math.max(0, before.bytes)),
  };
}

function largerOf(one: Room, other: Room): Room {
  return { files: Math.max(one.files, other.files), bytes: Math.max(one.bytes, other.bytes) };
}

function roomOf(file: { readonly bytes: number } | undefined): Room {
  return file === undefined ? { files: 0, bytes: 0 } : { files: 1, bytes: file.bytes };
}

/** An upload that adds nothing is never too much, also where there is too much already. */
function exceededBy(used: Totals, all: Room, claimed: Room, quota: OwnerQuota): QuotaExceededError | undefined {
  const { maxBytes = Number.POSITIVE_INFINITY, maxFiles = Number.POSITIVE_INFINITY } = quota;
  if (claimed.files > 0 && used.files + all.files > maxFiles) return new QuotaExceededError('files', maxFiles);
  if (claimed.bytes > 0 && used.bytes + all.bytes > maxBytes) return new QuotaExceededError('bytes', maxBytes);
  return undefined;
}
