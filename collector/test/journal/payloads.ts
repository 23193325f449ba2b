/** Bytes that tell a number apart from every other and whose length and contents follow from it; from 4 to some 6,000 bytes. */
export function payloadOf(number: number): Uint8Array {
  const bytes = Buffer.alloc(4 + ((number * 7919) % 6_000), number % 251)
  bytes.writeUInt32LE(number)
  return bytes
}

/** The number, or a complaint when the bytes are not the ones that it stands for. */
export function numberOf(payload: Uint8Array): number {
  const number = Buffer.from(payload).readUInt32LE()
  if (!payloadMatches(payload, number)) throw new Error(`the payload of ${number} was changed`)
  return number
}

function payloadMatches(payload: Uint8Array, number: number): boolean {
  return Buffer.compare(payload, payloadOf(number)) === 0
}
