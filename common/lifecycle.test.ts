import { describe, expect, it } from 'vitest';
import { Lifecycle } from './lifecycle.ts';
import { silentLogger } from './log.ts';
import type { Role } from './role.ts';
import { SimClock } from './sim-clock.ts';

function role(name: string, seen: string[], stop: () => Promise<void> = async () => {}): Role {
  return {
    name,
    health: () => ({ ready: true }),
    drain: () => seen.push(`drain ${name}`),
    stop: () => {
      seen.push(`stop ${name}`);
      return stop();
    },
  };
}

describe('Lifecycle', () => {
  it('ends parts in the opposite order of their start, each once', async () => {
    const seen: string[] = [];
    const lifecycle = new Lifecycle(new SimClock(), silentLogger);
    lifecycle.addPart('store', async () => {
      seen.push('stop store');
    });
    lifecycle.addRole('mixer-1', role('mixer', seen));
    lifecycle.addRole('vru-1', role('vru', seen));
    lifecycle.drain();
    const both = await Promise.all([lifecycle.stop(1000), lifecycle.stop(1000)]);
    expect(both).toEqual([true, true]);
    expect(seen).toEqual(['drain vru', 'drain mixer', 'stop vru', 'stop mixer', 'stop store']);
    expect(lifecycle.roles.map(({ id }) => id)).toEqual(['mixer-1', 'vru-1']);
  });

  it('a drain is over when the last call is, or at its limit', async () => {
    const clock = new SimClock();
    const lifecycle = new Lifecycle(clock, silentLogger);
    let calls = 2;
    lifecycle.addRole('vru-1', { ...role('vru', []), activity: () => calls });
    lifecycle.addRole('mixer-1', role('mixer', []));
    let over = 0;
    void lifecycle.drained(10_000).then(() => {
      over += 1;
    });
    void lifecycle.drained(500).then(() => {
      over += 10;
    });
    await clock.advance(600);
    expect(over).toBe(10);
    calls = 0;
    await clock.advance(200);
    expect(over).toBe(11);
    expect(clock.timerCount).toBe(0);
  });

  it('goes on past a part that hangs or fails, and says so', async () => {
    const seen: string[] = [];
    const clock = new SimClock();
    const lifecycle = new Lifecycle(clock, silentLogger);
    lifecycle.addRole('mixer-1', role('mixer', seen));
    lifecycle.addRole(
      'proxy-1',
      role('proxy', seen, () => Promise.reject(new Error('broken'))),
    );
    lifecycle.addRole(
      'vru-1',
      role('vru', seen, () => new Promise(() => {})),
    );
    const stopped = lifecycle.stop(1000);
    await clock.advance(2000);
    expect(await stopped).toBe(false);
    expect(seen).toEqual(['stop vru', 'stop proxy', 'stop mixer']);
  });
});
