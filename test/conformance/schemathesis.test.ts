import { makeDescribedRepository } from '../helpers/conformance-models.ts'
import { clientConformanceSuite } from '../helpers/suites/client-conformance.ts'

clientConformanceSuite('schemathesis', makeDescribedRepository())
