import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Events } from './index.ts';

interface Happenings {
  opened: { readonly name: string };
  closed: number;
}

describe('Events', () => {
  it('calls the listeners of a type in the order of subscription, with the event itself', () => {
    const events = new Events<Happenings>();
    const heard: unknown[] = [];
    events.on('opened', event => heard.push(['first', event]));
    events.on('opened', event => heard.push(['second', event]));
    events.on('closed', event => heard.push(event));
    const event = { name: 'billing' };
    events.emit('opened', event);
    expect(heard).toEqual([
      ['first', event],
      ['second', event],
    ]);
  });

  it('lets the emitter see that nobody listens, so that no event is built', () => {
    const events = new Events<Happenings>();
    const subscription = events.on('opened', () => {});
    expect(events.has('opened')).toBe(true);
    expect(events.has('closed')).toBe(false);
    subscription.unsubscribe();
    expect(events.has('opened')).toBe(false);
    events.emit('opened', { name: 'nobody' });
  });

  it('keeps one subscription per call, even of the same function', () => {
    const events = new Events<Happenings>();
    let calls = 0;
    const listener = (): void => {
      calls += 1;
    };
    const first = events.on('closed', listener);
    events.on('closed', listener);
    first.unsubscribe();
    first.unsubscribe();
    events.emit('closed', 1);
    expect(calls).toBe(1);
  });

  it('ends a subscription at the end of its scope', () => {
    const events = new Events<Happenings>();
    {
      using _subscription = events.on('closed', () => {});
      expect(events.has('closed')).toBe(true);
    }
    expect(events.has('closed')).toBe(false);
  });

  it('tells everybody who listened when the event began, whoever leaves or comes meanwhile', () => {
    const events = new Events<Happenings>();
    const heard: string[] = [];
    const first = events.on('closed', () => {
      heard.push('first');
      first.unsubscribe();
      second.unsubscribe();
      events.on('closed', () => heard.push('newcomer'));
    });
    const second = events.on('closed', () => heard.push('second'));
    events.emit('closed', 1);
    expect(heard).toEqual(['first', 'second']);
    events.emit('closed', 2);
    expect(heard).toEqual(['first', 'second', 'newcomer']);
  });

  it('does not let a listener that throws disturb the emitter or the others, and warns', async () => {
    const events = new Events<Happenings>();
    const heard: number[] = [];
    const warning = once(process, 'warning');
    events.on('closed', () => {
      throw new TypeError('a broken listener');
    });
    events.on('closed', event => heard.push(event));
    events.emit('closed', 7);
    expect(heard).toEqual([7]);
    expect((await warning)[0]).toMatchObject({ message: 'a broken listener' });
  });

  it('lets a listener emit', () => {
    const events = new Events<Happenings>();
    const heard: number[] = [];
    events.on('closed', depth => {
      heard.push(depth);
      if (depth < 3) events.emit('closed', depth + 1);
    });
    events.emit('closed', 1);
    expect(heard).toEqual([1, 2, 3]);
  });
});
