import { type ErrorOptions, ServiceError } from '../errors/index.ts';

/**
 * Somebody else changed the row since it was read: read it again, and decide again.
 *
 * @example
 * await users.update(7, { name: 'Ada' }, { expectedVersion: 3 }); // throws when the row is at version 4
 */
export class VersionConflictError extends ServiceError {
  /** What kind of thing, such as `User`. */
  readonly resourceType: string;
  /** Its key. */
  readonly resourceId: string;
  /** The version that the caller had read. */
  readonly expectedVersion: number;

  constructor(resourceType: string, resourceId: string | number, expectedVersion: number, options: ErrorOptions = {}) {
    const facts = {
      resource_type: resourceType,
      resource_id: String(resourceId),
      expected_version: expectedVersion,
    };
    super(`${resourceType} was changed by somebody else: read it again`, 'VERSION_CONFLICT', {
      ...options,
      details: { ...facts, ...options.details },
    });
    this.resourceType = resourceType;
    this.resourceId = String(resourceId);
    this.expectedVersion = expectedVersion;
  }
}

/** Other rows refer to the row: it cannot be deleted, and the value they refer to cannot be changed. */
export class StillReferencedError extends ServiceError {
  /** What kind of thing, such as `User`. */
  readonly resourceType: string;
  /** The table whose rows refer to it, when the database said so. */
  readonly referencedBy: string | undefined;

  constructor(resourceType: string, referencedBy: string | undefined, options: ErrorOptions = {}) {
    super(
      `${resourceType} is still referred to: it cannot be deleted, nor the value changed by which it is`,
      'STILL_REFERENCED',
      {
        ...options,
        details: { resource_type: resourceType, referenced_by: referencedBy, ...options.details },
      },
    );
    this.resourceType = resourceType;
    this.referencedBy = referencedBy;
  }
}
