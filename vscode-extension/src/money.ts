/** Amounts of money, as server/ai_gateway/spending/words.py says them. */

const LEAST_USD = 0.0001;

/** Write an amount, no more exactly than a person wants to know it. */
export function usdInWords(usd: number): string {
  if (usd > 0 && usd < LEAST_USD) return `<$${LEAST_USD}`;
  return usd >= 0.1 || usd === 0 ? `$${usd.toFixed(2)}` : `$${Number(usd.toPrecision(2))}`;
}
