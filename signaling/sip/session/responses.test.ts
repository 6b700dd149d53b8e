import { expect, it } from 'vitest';
import { markedContact } from './responses.ts';

it('RFC 4579 section 5.1: a Contact names the conference and is marked as its focus', () => {
  const marks = { user: 'conf=c1', parameters: ['isfocus'] };
  expect(markedContact('<sip:127.0.0.1:5070>', marks)).toBe('<sip:conf=c1@127.0.0.1:5070>;isfocus');
  expect(markedContact('<sip:[::1]:5070;transport=tcp>', marks)).toBe(
    '<sip:conf=c1@[::1]:5070;transport=tcp>;isfocus',
  );
  expect(markedContact('<sip:127.0.0.1:5070>', undefined)).toBe('<sip:127.0.0.1:5070>');
});
