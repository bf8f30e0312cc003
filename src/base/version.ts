/** The version of this source tree; a test holds it equal to package.json. */
export const version = '0.1.0';

/** The commit that a release was built from; the bundler fills it in. */
export const revision: string = process.env['BERTH_REVISION'] ?? 'development';
