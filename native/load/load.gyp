# The media side of the load harness: a program of its own, as it must not share a process with what it measures.
{
  'target_defaults': {
    'include_dirs': ['..'],
    'cflags!': ['-O2', '-pthread'],
    'cflags': ['-O3', '-Wall', '-Wextra', '-Wconversion', '-Wswitch-enum'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-fexceptions', '-frtti'],
    'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti'],
  },
  'targets': [
    {
      'target_name': 'rtp_load',
      'type': 'executable',
      'dependencies': ['../audio.gyp:audio', '../opus.gyp:opus'],
      'sources': [
        'commands.cc',
        'driver.cc',
        'impairment.cc',
        'incoming.cc',
        'main.cc',
        'probe.cc',
        'report.cc',
        'signal.cc',
        'sound.cc',
      ],
      'libraries': ['-pthread'],
    },
    {
      'target_name': 'load_test',
      'type': 'executable',
      'sources': ['impairment.cc', 'load_test.cc', 'probe.cc', 'signal.cc'],
    },
  ],
}
