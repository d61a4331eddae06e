import manifest from 'kafkajs/package.json' with { type: 'json' }

/** True for the one version of kafkajs whose inside we know; of any other nothing is changed. */
export const KNOWN_VERSION = manifest.version === '2.2.4'
