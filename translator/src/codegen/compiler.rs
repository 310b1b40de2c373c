//! The compiler object: a Cranelift target and the way from a region to a [`CompiledUnit`].

use super::cold;
use super::emit;
use super::features::{self, HostFeatures};
use super::plan::Plan;
use super::sites::{self, Verdict};
use super::unit::{CompiledUnit, LinkSite, Relocation, Tier, UnitKey};
use super::{Error, HostIsa, MemoryMode};
use crate::region::Region;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Function};
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable, Flags};
use cranelift_codegen::{CompiledCode, Context, FinalizedRelocTarget};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::Instant;

/// Choices for one host; all of them are part of a disk cache's key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Run Cranelift's verifier on each function (slow; for tests).
    pub verify: bool,
    /// Run Cranelift's own optimiser. Off, because the blocks come optimised, and because what stands in front of a
    /// guest access must stay there (see `emit`).
    pub optimize: bool,
    /// Which of the host's features code may use.
    pub features: HostFeatures,
}

/// What one compilation is to give besides code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CompileOptions {
    /// Keep Cranelift's input as text.
    pub clif: bool,
    /// Write every dirty register back before each access, instead of trying restart groups first.
    pub write_back: bool,
}

/// Compiles regions for one host. Shared by threads.
pub struct Compiler {
    isa: HostIsa,
    options: Options,
    features: Features,
    /// Cranelift's part, made when something is compiled for the first time.
    target: OnceLock<OwnedTargetIsa>,
}

/// What the host can do besides its baseline.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Features {
    /// A fused multiply-add instruction.
    pub fma: bool,
    /// 128-bit vectors.
    pub vectors: bool,
    /// A compare-and-swap that finds another value than expected still needs memory that can be written. (RISC-V's does
    /// not, but where that matters its atomics are interpreted.)
    pub cas_always_writes: bool,
}

impl Compiler {
    /// A compiler for `isa`: with the features of this machine if it is the native one, else with those that its
    /// listing should show (x86-64-v3; Armv8.1 atomics; RV64GCV).
    ///
    /// # Errors
    /// This machine lacks something that generated code always uses (SSE4.2 on x86-64).
    pub fn new(isa: HostIsa, options: &Options) -> Result<Compiler, Error> {
        let has = |name: &str| features::of(isa, options.features).contains(&name);
        let features = match isa {
            HostIsa::X86_64 if !has("has_sse42") => {
                return Err(Error::Host { isa, what: "SSE4.2 is required".into() });
            }
            HostIsa::X86_64 => Features { fma: has("has_fma"), vectors: true, cas_always_writes: true },
            HostIsa::Aarch64 => Features { fma: true, vectors: true, cas_always_writes: has("has_lse") },
            HostIsa::Riscv64 => Features { fma: true, vectors: has("has_v"), cas_always_writes: true },
        };
        let compiler = Compiler { isa, options: *options, features, target: OnceLock::new() };
        if isa != HostIsa::native() {
            // Cranelift may have been built without it.
            let target = compiler.make_target().map_err(|what| Error::Host { isa, what })?;
            let _ = compiler.target.set(target);
        }
        Ok(compiler)
    }

    fn make_target(&self) -> Result<OwnedTargetIsa, String> {
        let options = &self.options;
        let mut shared = settings::builder();
        let set = [
            ("opt_level", if options.optimize { "speed" } else { "none" }),
            ("regalloc_algorithm", "backtracking"),
            ("enable_verifier", if options.verify || cfg!(test) { "true" } else { "false" }),
            ("preserve_frame_pointers", "true"),
            ("unwind_info", "false"),
            ("enable_probestack", "false"),
            ("is_pic", "false"),
            ("enable_llvm_abi_extensions", "true"),
        ];
        for (name, value) in set {
            shared.set(name, value).map_err(|error| error.to_string())?;
        }
        let triple = match self.isa {
            HostIsa::X86_64 => "x86_64-unknown-linux-gnu",
            HostIsa::Aarch64 => "aarch64-unknown-linux-gnu",
            HostIsa::Riscv64 => "riscv64gc-unknown-linux-gnu",
        };
        let mut builder = isa::lookup_by_name(triple).map_err(|error| error.to_string())?;
        for feature in features::of(self.isa, self.options.features) {
            builder.enable(feature).map_err(|error| format!("{feature}: {error}"))?;
        }
        builder.finish(Flags::new(shared)).map_err(|error| error.to_string())
    }

    /// The host that code is made for.
    pub fn isa(&self) -> HostIsa {
        self.isa
    }

    /// A number for all that decides which code a region becomes: xlat's code generator, its options, the host's features.
    pub fn identity(&self) -> u128 {
        let text = format!(
            "{} {} {:?} {}",
            env!("XLAT_CODE_GENERATOR"),
            self.isa,
            self.options,
            features::of(self.isa, self.options.features).join(" ")
        );
        xxhash_rust::xxh3::xxh3_128(text.as_bytes())
    }

    /// Compiles a region.
    ///
    /// # Errors
    /// [`Error::Compile`] if Cranelift refuses the function (it is too large, or the host lacks vectors); the region
    /// can still be interpreted.
    pub fn compile(
        &self,
        region: &Region,
        key: &UnitKey,
        options: &CompileOptions,
    ) -> Result<CompiledUnit, Error> {
        let begun = Instant::now();
        // Where host instructions cannot be checked, state is written back before each access.
        let mut write_back =
            (options.write_back || self.isa != HostIsa::X86_64) && key.memory == MemoryMode::Direct;
        let mut unproven: FxHashMap<u32, u32> = FxHashMap::default();
        let mut attempts = 0;
        loop {
            match self.attempt(region, key, write_back, &unproven, options)? {
                Ok(mut unit) => {
                    debug_assert!(unit.is_sound());
                    unit.compile_time = begun.elapsed();
                    return Ok(unit);
                }
                Err(sites) => {
                    for site in sites {
                        *unproven.entry(site).or_default() += 1;
                    }
                    // Values lie elsewhere in each attempt, and others may turn out unproven: not for long.
                    attempts += 1;
                    write_back = attempts == 4;
                }
            }
        }
    }

    /// One compilation; or else the sites for which there is no proof that a fault finds exact state.
    fn attempt(
        &self,
        region: &Region,
        key: &UnitKey,
        write_back: bool,
        unproven: &FxHashMap<u32, u32>,
        options: &CompileOptions,
    ) -> Result<Result<CompiledUnit, Vec<u32>>, Error> {
        let pc = region.entry();
        let failed = |what: String| Error::Compile { pc, what };
        let plan = Plan::new(region, key, write_back);
        let (mut context, emitted) = self.emit(&plan, unproven);
        let clif = options.clif.then(|| context.func.display().to_string());
        context
            .compile(self.target(), &mut ControlPlane::default())
            .map_err(|error| failed(format!("{:?}", error.inner)))?;
        let compiled = context.compiled_code().expect("just compiled");
        let code = compiled.code_buffer().to_vec();
        let (sites, moves) = match sites::match_up(self.isa, compiled, &code, &emitted) {
            Verdict::Exact(sites, moves) => (sites, moves),
            Verdict::Unproven(sites) => return Ok(Err(sites)),
            Verdict::Broken(what) => return Err(failed(what)),
        };
        let relocations = relocations(&context.func, compiled).map_err(failed)?;
        Ok(Ok(CompiledUnit {
            isa: self.isa,
            pc,
            key: *key,
            tier: Tier::Region,
            hot_bytes: cold::hot_bytes(compiled),
            code,
            relocations,
            links: emitted.links.iter().map(|&target| LinkSite { target }).collect(),
            counter: None,
            interprets: false,
            sites,
            moves,
            ranges: region.ranges(),
            checks: region
                .blocks
                .iter()
                .zip(&region.checks)
                .filter_map(|(block, check)| Some((block.start, check.clone()?)))
                .collect(),
            instructions: region.instructions(),
            write_back,
            compile_time: Default::default(),
            clif,
        }))
    }

    fn emit(&self, plan: &Plan<'_>, unproven: &FxHashMap<u32, u32>) -> (Context, emit::Emitted) {
        self.with_builder(|builder| {
            let mut context = Context::new();
            let emitted = emit::emit(
                &mut context.func,
                builder,
                self.target(),
                self.features,
                self.isa,
                plan,
                unproven,
            );
            (context, emitted)
        })
    }

    /// Compiles the function of a stencil.
    pub(super) fn compile_stencil(
        &self,
        plan: &Plan<'_>,
    ) -> Result<(Function, CompiledCode, emit::Emitted), Error> {
        let (mut context, emitted) = self.emit(plan, &FxHashMap::default());
        context.compile(self.target(), &mut ControlPlane::default()).map_err(|error| Error::Compile {
            pc: plan.region.entry(),
            what: format!("stencil: {:?}", error.inner),
        })?;
        let compiled = context.take_compiled_code().expect("just compiled");
        Ok((context.func, compiled, emitted))
    }

    /// Compiles one of the small functions that the runtime needs beside units: no links, no sites.
    pub(super) fn compile_stub(&self, func: Function) -> Result<Vec<u8>, Error> {
        let mut context = Context::for_function(func);
        let compiled = context
            .compile(self.target(), &mut ControlPlane::default())
            .map_err(|error| Error::Compile { pc: 0, what: format!("stub: {:?}", error.inner) })?;
        Ok(compiled.code_buffer().to_vec())
    }

    /// Whether guest vectors can be in host registers.
    pub(super) fn has_vectors(&self) -> bool {
        self.features.vectors
    }

    pub(super) fn target(&self) -> &dyn isa::TargetIsa {
        let make =
            || self.make_target().expect("Cranelift knows the host that it was built for, and its features");
        &**self.target.get_or_init(make)
    }

    /// Cranelift's frontend keeps buffers between functions; one set a thread.
    fn with_builder<R>(&self, f: impl FnOnce(&mut cranelift_frontend::FunctionBuilderContext) -> R) -> R {
        thread_local! {
            static BUILDER: RefCell<Option<cranelift_frontend::FunctionBuilderContext>> = const { RefCell::new(None) };
        }
        // Taken out while it is used: after a panic the next compilation starts with a fresh one.
        let mut builder = BUILDER.take().unwrap_or_default();
        let result = f(&mut builder);
        BUILDER.set(Some(builder));
        result
    }
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler")
            .field("isa", &self.isa)
            .field("features", &self.features)
            .finish_non_exhaustive()
    }
}

fn relocations(func: &Function, compiled: &CompiledCode) -> Result<Vec<Relocation>, String> {
    compiled
        .buffer
        .relocs()
        .iter()
        .map(|relocation| {
            let FinalizedRelocTarget::ExternalName(ExternalName::User(name)) = relocation.target else {
                return Err(format!("unexpected relocation {relocation:?}"));
            };
            if relocation.kind != Reloc::Abs8 || relocation.addend != 0 {
                return Err(format!("unexpected relocation {relocation:?}"));
            }
            let name = &func.params.user_named_funcs()[name];
            Ok(Relocation::LinkSlot { offset: relocation.offset, index: name.index })
        })
        .collect()
}
