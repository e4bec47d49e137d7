import type { FieldShape, JsonType, Shape } from 'plinth/http';

/**
 * A shape in few words: for each object its fields as `name:type`, several types with `|`. `!` is a field that is always
 * there, `/` one below which nothing is recorded, `name[]` the elements of an array.
 */
export function shapeFrom(objects: Readonly<Record<string, string>>): Shape {
  const shape: Record<string, FieldShape> = {};
  for (const [parent, fields] of Object.entries(objects)) {
    for (const field of fields.split(' ')) {
      const [name = '', description = ''] = field.split(':');
      const types = description.replace(/[!/]+$/, '').split('|') as JsonType[];
      const presence = description.includes('!') ? 'always' : 'sometimes';
      const path = parent === '' ? name : `${parent}.${name}`;
      shape[path] = { types, presence, ...(description.endsWith('/') ? { cut: true } : {}) };
    }
  }
  return shape;
}
