import { describe, expect, it } from 'vitest';
import { checkedLookup, checkTarget } from './webhook-target.ts';

const policy = (...allowedHosts: string[]) => ({ allowedHosts, privateAddresses: false });
const isAllowed = (url: string, ...hosts: string[]): boolean =>
  checkTarget(url, policy(...hosts)).ok;

describe('where webhooks may go', () => {
  it('is to listed hosts, by http and https, without a password in the address', () => {
    expect(isAllowed('https://crm.example/hook')).toBe(false);
    expect(isAllowed('https://crm.example/hook', 'crm.example')).toBe(true);
    expect(isAllowed('https://CRM.example./hook', 'crm.example')).toBe(false);
    expect(isAllowed('https://crm.example:8443/', 'crm.example:443')).toBe(false);
    expect(isAllowed('https://crm.example/', 'crm.example:443')).toBe(true);
    expect(isAllowed('https://a.b.example/', '*.example')).toBe(true);
    expect(isAllowed('https://badexample/', '*.example')).toBe(false);
    expect(isAllowed('https://user:pw@crm.example/', 'crm.example')).toBe(false);
    for (const url of ['ftp://crm.example/', 'file:///etc/passwd', 'crm.example', '', 'http://']) {
      expect(isAllowed(url, 'crm.example')).toBe(false);
    }
  });

  it('is never to metadata services, and to addresses only where they are listed themselves', () => {
    expect(isAllowed('http://169.254.169.254/latest', '169.254.169.254')).toBe(false);
    // The same address in other spellings, which URL makes plain.
    expect(isAllowed('http://0xa9fea9fe/', '169.254.169.254')).toBe(false);
    expect(isAllowed('http://[::ffff:169.254.169.254]/', '[::ffff:a9fe:a9fe]')).toBe(false);
    expect(isAllowed('http://0.0.0.0/', '0.0.0.0')).toBe(false);
    expect(isAllowed('http://127.0.0.1/', 'crm.example')).toBe(false);
    expect(isAllowed('http://127.0.0.1:9/', '127.0.0.1')).toBe(true);
    expect(isAllowed('http://[::1]:9/', '[::1]')).toBe(true);
    expect(isAllowed('http://10.0.0.5/', '*.0.0.5')).toBe(false);
  });

  it('checks what a name leads to when it connects', async () => {
    const lookUp = (privateAddresses: boolean): Promise<string> =>
      new Promise((resolve) => {
        const lookup = checkedLookup({ allowedHosts: ['localhost'], privateAddresses });
        lookup('localhost', { all: true }, (error, found) =>
          resolve(error === null ? JSON.stringify(found) : error.message),
        );
      });
    expect(await lookUp(false)).toContain('leads to addresses that are not called');
    expect(await lookUp(true)).toMatch(/127\.0\.0\.1|::1/);
  });
});
