import type { FileTypes } from './content-inspection.ts';
import type { FileType } from './file-types.ts';

/** What browsers and old programs call some kinds of files, by the name that we have for them. */
const otherNames: Readonly<Record<string, readonly string[]>> = Object.freeze({
  'application/pdf': ['application/x-pdf'],
  'application/json': ['text/json'],
  'application/yaml': ['application/x-yaml', 'text/yaml', 'text/x-yaml'],
  'text/csv': ['application/csv', 'application/vnd.ms-excel', 'text/x-csv', 'text/comma-separated-values'],
  'text/markdown': ['text/x-markdown'],
  'image/jpeg': ['image/jpg', 'image/pjpeg'],
  'image/png': ['image/x-png'],
  'audio/mpeg': ['audio/mp3'],
  'audio/wav': ['audio/wave', 'audio/x-wav', 'audio/vnd.wave'],
  'audio/ogg': ['application/ogg'],
  'application/zip': ['application/x-zip', 'application/x-zip-compressed'],
  'application/gzip': ['application/x-gzip'],
});

/**
 * The kind of a file, by the extension of its name. A sender who does not know the content type says nothing, an empty
 * text or `application/octet-stream`; one who knows it may have another name for it.
 *
 * @throws {ValidationError} when the extension is not allowed, or does not fit the declared type.
 */
export function requireFileType(types: FileTypes, key: string, declaredType: string | undefined): FileType {
  const type = types.require(key, undefined);
  const declared = declaredType?.split(';')[0]?.trim().toLowerCase() ?? '';
  const isPlainText = declared === 'text/plain' && typeof type.begins === 'string';
  if (declared === '' || isPlainText || otherNames[type.contentType]?.includes(declared)) return type;
  return types.require(key, declared);
}
