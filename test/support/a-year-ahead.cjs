// Preload for a run of the tests with Node's clock a year ahead, while servers keep real time:
//   NODE_OPTIONS="--require ./test/support/a-year-ahead.cjs" npm test
// A test that turns red here would turn red by itself as its data ages.
const aYearMs = 365 * 86_400_000;
const RealDate = Date;

globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + aYearMs);
    else super(...args);
  }
  static now() {
    return RealDate.now() + aYearMs;
  }
};
