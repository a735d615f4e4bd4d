"""What surrounds the robot in every scene: a floor with a subtle checker, sky, light, camera."""

from __future__ import annotations

import mujoco


def add_scenery(spec: mujoco.MjSpec) -> None:
    """Add the floor (geom ``floor``), two lights and the camera ``track`` that follows the base."""
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.93, 0.95, 0.97],
        rgb2=[0.62, 0.70, 0.80],
        width=256,
        height=1536,
    )
    texture = spec.add_texture(
        name="floor",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        mark=mujoco.mjtMark.mjMARK_EDGE,
        rgb1=[0.78, 0.80, 0.82],
        rgb2=[0.73, 0.75, 0.77],
        markrgb=[0.66, 0.68, 0.70],
        width=512,
        height=512,
    )
    material = spec.add_material(name="floor", texuniform=True, texrepeat=[1, 1], reflectance=0.05)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = texture.name
    world = spec.worldbody
    world.add_geom(
        name="floor",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[0, 0, 0.05],
        material="floor",
        condim=3,
    )
    world.add_light(
        name="sun",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[1.5, -2.0, 4.0],
        dir=[-0.35, 0.45, -0.85],
        diffuse=[0.55, 0.55, 0.55],
        specular=[0.3, 0.3, 0.3],
        castshadow=True,
    )
    world.add_light(
        name="fill",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[-1.5, 2.0, 3.0],
        dir=[0.5, -0.5, -0.6],
        diffuse=[0.25, 0.26, 0.28],
        specular=[0.0, 0.0, 0.0],
        castshadow=False,
    )
    spec.body("base").add_camera(
        name="track",
        mode=mujoco.mjtCamLight.mjCAMLIGHT_TRACK,
        pos=[-1.6, -1.9, 1.3],
        xyaxes=[0.765, -0.644, 0.0, 0.27, 0.32, 0.908],
        fovy=45,
    )
    spec.visual.headlight.ambient = [0.35, 0.35, 0.36]
    spec.visual.headlight.diffuse = [0.25, 0.25, 0.25]
    spec.visual.headlight.specular = [0.05, 0.05, 0.05]
    spec.visual.quality.shadowsize = 4096
    spec.visual.map.znear = 0.005
    spec.visual.global_.offwidth = 1920
    spec.visual.global_.offheight = 1080
