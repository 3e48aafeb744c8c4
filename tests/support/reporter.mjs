// SPDX-License-Identifier: Apache-2.0
// A reporter of node:test: one JSON line a test, for the runner. Suites only group and are not counted.

export default async function* reporter(source) {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details?.type === 'suite') continue;
    const cause = data.details?.error?.cause ?? data.details?.error;
    yield JSON.stringify({
      name: data.name,
      result: data.skip !== undefined ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed',
      reason: typeof data.skip === 'string' ? data.skip : undefined,
      ms: Math.round(data.details?.duration_ms ?? 0),
      error: type === 'test:fail' ? String(cause?.stack ?? cause) : undefined,
    }) + '\n';
  }
}
