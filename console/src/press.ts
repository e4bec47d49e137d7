/** A press that lasts longer is not meant as a click, or its end was never told (a menu of the system took it). */
const longestPressMs = 5_000;

/**
 * Whether the visitor presses something right now. What is pressed must stay in its place: the browser makes a click
 * only of a press that ends on the element on which it began.
 */
export class Press {
  #until = 0;

  /** Listens to the page, for as long as it is open. */
  listen(): void {
    const end = (): void => {
      this.#until = 0;
    };
    addEventListener('pointerdown', () => {
      this.#until = performance.now() + longestPressMs;
    });
    addEventListener('pointerup', end);
    addEventListener('pointercancel', end);
  }

  get isHeld(): boolean {
    return performance.now() < this.#until;
  }
}
