import { makeConformanceRepository } from '../helpers/conformance-models.ts'
import { clientConformanceSuite } from '../helpers/suites/client-conformance.ts'

clientConformanceSuite('kserve', makeConformanceRepository(), ['uws', 'node', 'grpc'])
