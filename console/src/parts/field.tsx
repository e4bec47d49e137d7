import type { JSX } from 'preact';

export interface FieldProps {
  /** In one word. */
  readonly label: string;
  /** What can stand in it, shown while it is empty. */
  readonly hint: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly required?: boolean;
}

/** A field for a few words. */
export function Field({ label, hint, value, onValue, required = false }: FieldProps): JSX.Element {
  return (
    <label class="field" title={hint}>
      <span>{label}</span>
      <input
        type="search"
        placeholder={hint}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        required={required}
        maxLength={200}
        value={value}
        onInput={event => onValue(event.currentTarget.value)}
      />
    </label>
  );
}
