// The command as the image has it: a CommonJS bundle can't await at its top.
import { main } from '../../bin/main.ts'
import { SERVICES } from '../../bin/services.ts'

// A handler that ignores its abort, or a connection that hangs, must not keep the process.
void main(SERVICES, process.argv.slice(2)).then((code) => process.exit(code))
