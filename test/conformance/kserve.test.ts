import { clientConformanceSuite } from '../helpers/suites/client-conformance.ts'

clientConformanceSuite('kserve')
