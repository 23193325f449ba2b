import { writeSync } from 'node:fs'
import { doctorVariable } from '../contract/doctor-lines.ts'
import { Doctor } from './doctor.ts'

/** Says that nothing is watched under this Node, to the doctor if there is one. */
export function refuseNode(reason: string): void {
  const { env } = process
  const doctorFile = env[doctorVariable]
  if (doctorFile !== undefined && doctorFile !== '') {
    const doctor = new Doctor(doctorFile)
    doctor.start(env, null)
    doctor.tell({ event: 'problem', reason })
    return
  }
  if (env.DRIFTLINE_LOG?.trim().toLowerCase() === 'none') return
  try {
    writeSync(2, `driftline: ${reason}; nothing is watched\n`)
  } catch {
    // A closed or full pipe.
  }
}
