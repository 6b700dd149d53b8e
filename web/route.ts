/** Where the page is, in the part of the address after `#`, so that reload and the back button work. Never a secret. */
import { useEffect, useState } from 'preact/hooks';

export type Route = readonly string[];

const read = (): Route =>
  location.hash
    .slice(1)
    .split('/')
    .filter((part) => part !== '')
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return '';
      }
    });

export const go = (...parts: Route): void => {
  location.hash = parts.map(encodeURIComponent).join('/');
};

export function useRoute(): Route {
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const follow = (): void => setRoute(read());
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  return route;
}
