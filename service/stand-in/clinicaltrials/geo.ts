import { valuesAt } from './pieces.ts';

/** A circle on the map. */
export interface Circle {
  readonly latitude: number;
  readonly longitude: number;
  readonly radiusKm: number;
}

const earthRadiusKm = 6_371;
const kilometresPerMile = 1.609_344;

/** Reads `distance(39.0,-77.1,50mi)`; without a unit it is miles. */
export function parseDistance(text: string): Circle | undefined {
  const number = '(-?\\d+(?:\\.\\d+)?)';
  const [, latitude, longitude, radius, unit] =
    new RegExp(`^distance\\(${number},${number},(\\d+(?:\\.\\d+)?)(km|mi)?\\)$`).exec(text) ?? [];
  if (latitude === undefined) return undefined;
  const radiusKm = Number(radius) * (unit === 'km' ? 1 : kilometresPerMile);
  return { latitude: Number(latitude), longitude: Number(longitude), radiusKm };
}

/** Whether one of a study's locations is in the circle. */
export function isWithinDistance(study: unknown, { latitude, longitude, radiusKm }: Circle): boolean {
  return valuesAt(study, 'protocolSection.contactsLocationsModule.locations.geoPoint').some(point => {
    const { lat, lon } = point as { readonly lat: number; readonly lon: number };
    return distanceKm(lat, lon, latitude, longitude) <= radiusKm;
  });
}

function distanceKm(latitude: number, longitude: number, otherLatitude: number, otherLongitude: number): number {
  const radians = Math.PI / 180;
  const half = (degrees: number): number => Math.sin((degrees * radians) / 2) ** 2;
  const part =
    half(otherLatitude - latitude) +
    Math.cos(latitude * radians) * Math.cos(otherLatitude * radians) * half(otherLongitude - longitude);
  return 2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(part)));
}
