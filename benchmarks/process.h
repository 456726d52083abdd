// What this process has used so far.
#pragma once

namespace gradus::bench {

/// The most memory that the process has held, in MiB.
double peak_rss_mib();

/// Seconds since the process was started, before any library was loaded. The system notes the start
/// to 10 ms. 0 where it does not say.
double seconds_since_start();

}  // namespace gradus::bench
