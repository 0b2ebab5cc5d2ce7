#include "backup/worker_pool.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "backup/worker_bench.h"

namespace rb::test {
namespace {

struct CountingLeaf final : WorkerPool::Leaf {
  explicit CountingLeaf(std::atomic<int>& to) : count(to) {}
  void run(Worker&) override { ++count; }
  std::atomic<int>& count;
};

TEST(WorkerPoolTest, ASpareThreadWorksWhileItIsWelcome) {
  WorkerBench bench;
  WorkerPool pool;
  std::atomic<bool> welcome = false;
  std::atomic<int> asked = 0, done = 0;
  for (int i = 0; i < 10; ++i)
    pool.submit(std::make_shared<CountingLeaf>(done));
  std::jthread spare([&] {
    pool.work_beside(bench.worker, [&] {
      ++asked;
      return welcome.load();
    });
  });
  while (asked < 3)
    std::this_thread::yield();
  EXPECT_EQ(done, 0);
  welcome = true;
  while (done < 10)
    std::this_thread::yield();
  pool.close();
}

TEST(WorkerPoolTest, ASpareThreadEndsWithThePool) {
  WorkerBench bench;
  WorkerPool pool;
  std::jthread welcome([&] { pool.work_beside(bench.worker, [] { return true; }); });
  std::jthread unwelcome([&] { pool.work_beside(bench.worker, [] { return false; }); });
  pool.close();
}

}  // namespace
}  // namespace rb::test
