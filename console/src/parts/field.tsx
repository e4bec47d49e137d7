import type { JSX } from 'preact';

export interface FieldProps {
  readonly id: string;
  /** For a screen reader, and in the empty field. */
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly required?: boolean;
}

/** A field for a few words. */
export function Field({ id, label, value, onValue, required = false }: FieldProps): JSX.Element {
  return (
    <>
      <label class="visually-hidden" for={id}>
        {label}
      </label>
      <input
        id={id}
        type="search"
        placeholder={label}
        title={label}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        required={required}
        maxLength={200}
        value={value}
        onInput={event => onValue(event.currentTarget.value)}
      />
    </>
  );
}
