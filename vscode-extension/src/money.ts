/** Amounts of money, as exact as server/ai_gateway/spending/words.py has them. */

const LEAST_USD = 0.0001;
/** From here on, cents are exact enough. */
const CENTS_USD = 0.1;

/** Write an amount as one does where the person is, no more exactly than they want to know it. */
export function usdInWords(usd: number, locale: string): string {
  if (usd > 0 && usd < LEAST_USD) return `<${usdInWords(LEAST_USD, locale)}`;
  const exact = usd >= CENTS_USD || usd === 0 ? {} : { maximumSignificantDigits: 2 };
  return new Intl.NumberFormat(locale, { style: "currency", currency: "USD", ...exact }).format(usd);
}
