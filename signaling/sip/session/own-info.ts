import { MediaError } from '../../../common/errors.ts';
import { fail, ok, type Result } from '../../../common/result.ts';
import type { DialogUsage } from './usage.ts';

/** INFO of ours, for digits to peers that take no RFC 4733. */
export function sendInfo(
  usage: DialogUsage,
  contentType: string,
  body: string,
): Promise<Result<void, MediaError>> {
  return new Promise((resolve) => {
    usage.request(
      'INFO',
      { contentType, body },
      {
        onFinal: ({ status, reasonPhrase }) =>
          resolve(
            status < 300
              ? ok(undefined)
              : fail(new MediaError('rejected', `${status} ${reasonPhrase}`)),
          ),
        onFailure: (error) => resolve(fail(error)),
      },
    );
  });
}
