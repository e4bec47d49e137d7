// Loaded before a block of the documents runs: whatever leaves the machine fails, whatever stays on it works.
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const isLocal = host => /^(?:localhost|127(?:\.\d+){3}|::1|0\.0\.0\.0|::)$/.test(host);
const refusal = host =>
  Object.assign(new Error(`The documents run offline, and ${host} is not on this machine`), { code: 'ENOTFOUND' });

const { lookup } = dns;
dns.lookup = (host, ...rest) => {
  if (isLocal(host)) return lookup(host, ...rest);
  process.nextTick(rest.at(-1), refusal(host));
};
const { lookup: lookupPromise } = dns.promises;
dns.promises.lookup = async (host, ...rest) => {
  if (isLocal(host)) return lookupPromise(host, ...rest);
  throw refusal(host);
};

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function connectLocally(...args) {
  const [first] = args;
  const target = (Array.isArray(first) ? first[0] : first) ?? {};
  const host = target.host ?? (typeof args[1] === 'string' ? args[1] : 'localhost');
  if (net.isIP(host) !== 0 && !isLocal(host)) {
    process.nextTick(() => this.destroy(refusal(host)));
    return this;
  }
  return connect.apply(this, args);
};
syncBuiltinESMExports();
