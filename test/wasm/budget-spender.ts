import { BudgetBook } from "../../filters/rate-limit/budget/budget-book";
import { PriceTable } from "../../filters/rate-limit/budget/price-table";
import { RateLimit } from "../../filters/rate-limit/rate-limit";
import { bytes, toText } from "../../filters/sdk/bytes/bytes";
import { Slice } from "../../filters/sdk/bytes/slice";
import { HeadersAction } from "../../filters/sdk/host/actions";
import { monotonicNanos } from "../../filters/sdk/host/clock";
import { LogLevel, log } from "../../filters/sdk/host/log";
import { Config } from "../../filters/sdk/pipeline/config";
import { defineModule } from "../../filters/sdk/pipeline/contexts";
import { HttpContext } from "../../filters/sdk/pipeline/http-context";
import { Stage } from "../../filters/sdk/pipeline/stage";

export * from "../../filters/sdk/pipeline/exports/base";
export * from "../../filters/sdk/pipeline/exports/request-headers";

const X_BUDGET = bytes("x-budget");
const value = new Slice();
const book = new BudgetBook("search/ingress");
const prices = new PriceTable();

/** Does what the header `x-budget` says, `what account number...`, and logs what came of it as JSON. */
class BudgetSpender extends Stage {
  get key(): string {
    return "budgetSpender";
  }

  get isRequired(): bool {
    return false;
  }

  configure(_config: Config): void {}

  onTick(): void {
    prices.refresh();
  }

  onRequestHeaders(http: HttpContext, _endOfStream: bool): HeadersAction {
    if (http.headers.find(X_BUDGET, value) == 0) return HeadersAction.CONTINUE;
    const words = toText(value.ptr, value.len).split(" ");
    const name = bytes(words[1]);
    book.open(name.ptr, name.len);
    log(LogLevel.Warn, `result ${this.run(words, name.ptr, name.len)}`);
    return HeadersAction.CONTINUE;
  }

  private run(words: string[], name: usize, len: i32): string {
    const now = monotonicNanos();
    const what = words[0];
    if (what == "take") {
      const lease = book.take(whole(words, 2), now);
      return `[${lease.toString()},${(<i32>book.refusal).toString()}]`;
    }
    if (what == "spend") {
      book.spend(whole(words, 2), whole(words, 3), whole(words, 4), now);
      return "null";
    }
    if (what == "back") {
      book.giveBack(whole(words, 2), whole(words, 3), now);
      return "null";
    }
    if (what == "cost")
      return prices
        .cost(name, len, whole(words, 2), whole(words, 3), whole(words, 4), whole(words, 5))
        .toString();
    const left = book.left(now);
    const period = book.periodLeft(now);
    return `{"left":${left.toString()},"remaining":${book.remaining.toString()},"limit":${book.limit.toString()},"warned":${book.warned.toString()},"periodLeft":${period.toString()}}`;
  }
}

function whole(words: string[], index: i32): u64 {
  return U64.parseInt(words[index]);
}

defineModule(() => [new BudgetSpender(), new RateLimit()], true);
