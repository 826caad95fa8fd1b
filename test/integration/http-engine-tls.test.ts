import { acceptingSuite } from '../helpers/suites/http-engine-accepting.ts'
import { answersSuite } from '../helpers/suites/http-engine-answers.ts'
import { certificatesSuite } from '../helpers/suites/http-engine-certificates.ts'
import { corsSuite } from '../helpers/suites/http-engine-cors.ts'
import { gateSuite } from '../helpers/suites/http-engine-gate.ts'
import { peersSuite } from '../helpers/suites/http-engine-peers.ts'
import { refusalsSuite } from '../helpers/suites/http-engine-refusals.ts'
import { requestsSuite } from '../helpers/suites/http-engine-requests.ts'
import { slowReadersSuite } from '../helpers/suites/http-engine-slow-readers.ts'

// Plain connections and those over TLS are written to in different ways: all that holds for the
// one must be seen of the other.
for (const kind of ['uws over TLS', 'node over TLS'] as const) {
  requestsSuite(kind)
  answersSuite(kind)
  acceptingSuite(kind)
  refusalsSuite(kind)
  corsSuite(kind)
  gateSuite(kind)
  certificatesSuite(kind)
  peersSuite(kind)
  slowReadersSuite(kind)
}
