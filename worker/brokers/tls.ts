import { readFileSync } from 'node:fs'
import type { BrokerSettings } from '../contracts.ts'

/** What node:tls is given: the contents of the files that the settings name. */
export interface TlsFiles {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

/** Reads the TLS files, anew at each call: rotated certificates are used from the next connection on. Throws where one can't be read. */
export function tlsOf({ tlsCaFile, tlsCertFile, tlsKeyFile }: BrokerSettings): TlsFiles {
  return {
    ...(tlsCaFile === undefined ? {} : { ca: readFileSync(tlsCaFile) }),
    ...(tlsCertFile === undefined ? {} : { cert: readFileSync(tlsCertFile) }),
    ...(tlsKeyFile === undefined ? {} : { key: readFileSync(tlsKeyFile) }),
  }
}
