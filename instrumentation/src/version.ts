/** Of this package; travels as the version of the instrumentation scope. A test compares it with package.json. */
export const version = '0.1.0'
